/**
 * One line of `vagrant --machine-readable`: `timestamp,target,type,data...`
 * (lib/vagrant/ui.rb, MachineReadable#machine).
 */
export interface OutputLine {
  /** The machine it is about; null: none of them. */
  readonly target: string | null;
  readonly type: string;
  readonly data: readonly string[];
}

/** Commas and line breaks within a datum are escaped; a literal backslash before an `n` is not. */
const unescape = (text: string): string =>
  text.replaceAll('%!(VAGRANT_COMMA)', ',').replaceAll('\\n', '\n').replaceAll('\\r', '\r');

/** Parses an output. Lines of another form are left out (`ssh-config` prints its text once more). */
export function parseOutput(text: string): OutputLine[] {
  return text.split('\n').flatMap((line): OutputLine[] => {
    const [time = '', target = '', type = '', ...data] = line.split(',');
    if (!/^\d+$/.test(time) || type === '') return [];
    return [{ target: target === '' ? null : target, type, data: data.map(unescape) }];
  });
}

/** The data of the first line of a type, joined. */
export const find = (lines: readonly OutputLine[], type: string): string | undefined =>
  lines.find((line) => line.type === type)?.data.join(',');

/** Why a command failed, in Vagrant's words, without the class of the error. */
export function failure(lines: readonly OutputLine[]): string | undefined {
  const exit = lines
    .find(({ type }) => type === 'error-exit')
    ?.data.slice(1)
    .join(',');
  const told = lines
    .filter(({ type, data }) => type === 'ui' && data[0] === 'error')
    .map(({ data }) => data[1]);
  return (exit || told.join('\n') || undefined)?.trim();
}

/** What `vagrant ssh-config` says: where SSH answers, as whom, with which key. */
export interface SshConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly keyFile: string;
}

/** Undefined when something is missing. The last IdentityFile is the one that vagrant made. */
export function parseSshConfig(text: string): SshConfig | undefined {
  const value = (key: string): string | undefined => {
    const found = [...text.matchAll(new RegExp(`^\\s*${key} (.+)$`, 'gm'))].at(-1)?.[1];
    return found?.replace(/^"(.*)"$/, '$1');
  };
  const [host, port, user, keyFile] = [
    value('HostName'),
    value('Port'),
    value('User'),
    value('IdentityFile'),
  ];
  if (host === undefined || user === undefined || keyFile === undefined || !/^\d+$/.test(port ?? ''))
    return undefined;
  return { host, port: Number(port), user, keyFile };
}

/** Names, versions and providers in `vagrant box list`, which prints each on a line of its own. */
export function parseBoxes(
  lines: readonly OutputLine[],
): { name: string; version: string; provider: string }[] {
  const boxes: { name: string; version: string; provider: string }[] = [];
  for (const { type, data } of lines) {
    const box = boxes.at(-1);
    if (type === 'box-name') boxes.push({ name: data[0] ?? '', version: '', provider: '' });
    else if (type === 'box-version' && box) box.version = data[0] ?? '';
    else if (type === 'box-provider' && box) box.provider = data[0] ?? '';
  }
  return boxes;
}
