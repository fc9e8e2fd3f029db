/** The sort weight of a character: `~` before the end of the string, letters before all others (deb-version(7)). */
function weight(char: string | undefined): number {
  if (char === '~') return -1;
  if (char === undefined || /\d/.test(char)) return 0;
  return /[a-z]/i.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
}

/** Compares an upstream version or a revision: non-digits character by character, numbers by value. */
function compareParts(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while ((i < a.length && !/\d/.test(a[i]!)) || (j < b.length && !/\d/.test(b[j]!))) {
      const difference = weight(a[i]) - weight(b[j]);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const [left = ''] = /^\d*/.exec(a.slice(i)) ?? [];
    const [right = ''] = /^\d*/.exec(b.slice(j)) ?? [];
    const difference = Number(left) - Number(right);
    if (difference !== 0) return difference;
    i += left.length;
    j += right.length;
  }
  return 0;
}

function split(version: string): { upstream: string; revision: string } {
  // kernels call their release candidates 7.4-rc1, Debian's packages 7.4~rc1
  const text = version.replace(/-rc(?=\d)/, '~rc');
  const dash = text.lastIndexOf('-');
  return dash < 0
    ? { upstream: text, revision: '' }
    : { upstream: text.slice(0, dash), revision: text.slice(dash + 1) };
}

/**
 * Orders kernel package versions and kernel releases as dpkg does (lib/dpkg/version.c): `6.12.9-1~bpo12+1` before
 * `6.12.9-1`, `7.4~rc1` before `7.4`. No epochs: Debian's kernels have none.
 */
export function byVersion(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return compareParts(left.upstream, right.upstream) || compareParts(left.revision, right.revision);
}
