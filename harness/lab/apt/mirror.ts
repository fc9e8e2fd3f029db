import { capture } from '../../base/command.ts';
import { FrostlineError } from '../../errors.ts';

/** Base URIs of Debian's archives, each ending in a slash. */
export interface Mirror {
  readonly main: string;
  readonly security: string;
}

const todo =
  'Set FROSTLINE_DEBIAN_MIRROR and FROSTLINE_DEBIAN_SECURITY_MIRROR to the URIs of a Debian mirror and of its security archive.';

const slash = (uri: string): string => (uri.endsWith('/') ? uri : `${uri}/`);

/**
 * The mirror that FROSTLINE_DEBIAN_MIRROR and FROSTLINE_DEBIAN_SECURITY_MIRROR name, or else the one in the
 * configuration of this host's apt. Rejects ('host') when neither names a Debian archive.
 */
export function findMirror(): Promise<Mirror> {
  known ??= askApt(process.env);
  return known;
}

/** Cached: apt takes a while to answer, and every kernel fetch asks. */
let known: Promise<Mirror> | undefined;

async function askApt(env: NodeJS.ProcessEnv): Promise<Mirror> {
  const main = env['FROSTLINE_DEBIAN_MIRROR'];
  const security = env['FROSTLINE_DEBIAN_SECURITY_MIRROR'];
  if (main && security) return { main: slash(main), security: slash(security) };
  const { code, stdout } = await capture([
    'apt-get',
    'indextargets',
    '--format',
    '$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(RELEASE)',
    'Identifier: Packages',
  ]);
  const targets = code === 0 ? parseTargets(stdout) : {};
  const foundMain = main || targets.main;
  // if apt lists no security archive, assume Debian's usual layout: it sits beside the main archive
  const beside = foundMain?.replace(/\/debian\/?$/, '/debian-security/');
  const found = { main: foundMain, security: security || targets.security || beside };
  if (!found.main || !found.security) {
    throw new FrostlineError("No Debian archive in this host's apt configuration.", { code: 'host', todo });
  }
  return { main: slash(found.main), security: slash(found.security) };
}

/** Whether apt refuses lists past their Valid-Until; hosts that use mirrored snapshots turn this check off. */
export async function refusesExpired(): Promise<boolean> {
  const { stdout } = await capture(['apt-config', 'shell', 'CHECK', 'Acquire::Check-Valid-Until/b']);
  return !stdout.includes('false');
}

/** Reads `apt-get indextargets` lines `ORIGIN|REPO_URI|CODENAME|RELEASE`; the first of each kind wins. */
export function parseTargets(text: string): Partial<Mirror> {
  const found: { main?: string; security?: string } = {};
  for (const line of text.split('\n')) {
    const [origin = '', uri = '', codename = '', release = ''] = line.split('|');
    // an archive that was never updated has no Origin yet: go by the path of its URI
    if (origin !== 'Debian' && !/\/debian(-security)?\/?$/.test(uri)) continue;
    if ([codename, release].some((name) => name.endsWith('-security'))) found.security ??= uri;
    else found.main ??= uri;
  }
  return found;
}
