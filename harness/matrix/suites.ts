/** Debian suites a kernel can come from. */
export const suites = [
  'bullseye',
  'bullseye-backports',
  'bookworm',
  'bookworm-backports',
  'trixie',
  'trixie-backports',
  'forky',
  'sid',
  'experimental',
] as const;
