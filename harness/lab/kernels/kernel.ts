/** A kernel ready to boot. */
export interface Kernel {
  /** `uname -r`. */
  readonly release: string;
  /** The bzImage. */
  readonly image: string;
  /** The folder with modules.dep, modules.builtin and the .ko files; null when it has none. */
  readonly modules: string | null;
  /** Package name and version, or the path; human-readable. */
  readonly origin: string;
  /** SHA-256 of the bzImage. */
  readonly sha256: string;
}
