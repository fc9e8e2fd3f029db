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

/** Those whose container tools can be a userland: the versions of runc, crun and CRIU differ. */
export const userlandSuites = ['bullseye', 'bookworm', 'trixie', 'forky', 'sid', 'experimental'] as const;
