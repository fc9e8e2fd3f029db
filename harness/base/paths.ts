import { lstatSync, mkdirSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { FrostlineError } from '../errors.ts';

/** Where downloads and builds are kept between runs: `$XDG_CACHE_HOME/frostline` (~/.cache by default). */
export function cacheDir(...parts: readonly string[]): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'frostline', ...parts);
}

/**
 * The folder of live machines (sockets, keys), private to this user and short enough for the 107 bytes of a Unix
 * socket's path. All login sessions share it, whatever their TMPDIR, so that each finds what another has left.
 * FROSTLINE_RUNTIME_DIR overrides it. Throws ('host') if it is a link, belongs to someone else or is open to others.
 */
export function runtimeDir(): string {
  const { uid } = userInfo();
  const dir = process.env['FROSTLINE_RUNTIME_DIR'] || `/tmp/frostline-${uid}`;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // another user's link in /tmp could point elsewhere later
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0) {
    throw new FrostlineError(
      stat.isDirectory()
        ? `${dir} is open to others (owner ${stat.uid}, mode ${(stat.mode & 0o777).toString(8)})`
        : `${dir} is no folder but a link or file`,
      {
        code: 'host',
        todo: `Remove it, or point FROSTLINE_RUNTIME_DIR at a folder of your own.`,
      },
    );
  }
  return dir;
}
