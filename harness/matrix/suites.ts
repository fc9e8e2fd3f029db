/** Debian suites that a kernel can come from. */
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

/** Suites that can provide a userland; their versions of runc, crun and CRIU differ. */
export const userlandSuites = ['bullseye', 'bookworm', 'trixie', 'forky', 'sid', 'experimental'] as const;
