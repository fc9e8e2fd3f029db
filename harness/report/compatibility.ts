import type { Better, KernelCompatibility, UseVerdict } from '../analyse/compatibility.ts';
import type { Place, Reliability } from '../analyse/groups.ts';
import type { RunName } from '../analyse/summary.ts';
import type { Purpose } from '../analyse/uses.ts';
import { escapeMarkdown } from './escape.ts';
import { percent, plural, rateWords } from './words.ts';

/** A verdict as a sign and a word; each is readable without the other. */
export const badges: Readonly<Record<Reliability, { readonly sign: string; readonly word: string }>> = {
  works: { sign: '✔', word: 'works' },
  unreliable: { sign: '⚠', word: 'unreliable' },
  fails: { sign: '✘', word: 'fails' },
  crashes: { sign: '✘', word: 'kernel crashes' },
  unknown: { sign: '?', word: 'too few trials' },
};

export const purposeWords: Readonly<Record<Purpose, string>> = {
  pause: 'Pause',
  checkpoint: 'Checkpoint',
  freeze: 'Plain freeze',
};

/** A kernel version without the packager's suffix: `6.12.117`, `6.1`. */
const versionOf = (release: string): string => /^\d+\.\d+(\.[1-9]\d*)?/.exec(release)?.[0] ?? release;

const placeWords = ({ workload, runtime }: Place): string =>
  `${workload}${runtime === 'none' ? '' : ` in a ${runtime} container`}`;

/** The evidence for a verdict, in a sentence or two. */
export function evidenceWords(use: UseVerdict): string {
  const { unfinished } = use;
  const freeze = [crashWords(use), freezeWords(use)].filter((words) => words !== '').join(' ');
  if (unfinished === null) return freeze;
  const { frozen, trials } = unfinished;
  return `${freeze} The program did the rest of its work in ${frozen} of ${trials} with ${placeWords(unfinished)}.`;
}

const crashWords = ({ crashes }: UseVerdict): string =>
  crashes === null
    ? ''
    : `The kernel crashed or hung in ${crashes.lost} of ${plural(crashes.trials, 'trial')} with ${placeWords(crashes)}.`;

function freezeWords({ verdict, all, worst, crashes }: UseVerdict): string {
  if (all === null) return crashes === null ? 'Not measured.' : '';
  if (worst === null) return `${all.frozen} of ${all.trials} freezes, at least ${percent(all.low)} %.`;
  const found = `${placeWords(worst)}: ${worst.frozen} of ${worst.trials}, ${rateWords(worst)}`;
  return verdict === 'works' ? `${all.frozen} of ${all.trials} freezes; the worst is ${found}.` : `${found}.`;
}

/** What to do about a use that does not work, and since when it has not; empty when it works. */
export function adviceWords({ verdict, instead, better, worst, needed, since }: UseVerdict): string {
  if (verdict === 'works') return '';
  if (verdict === 'unknown')
    return needed === null
      ? 'Measure more trials.'
      : `Measure more: ${needed} trials that go like these would prove it.`;
  const use =
    instead.length > 0
      ? `Use ${instead.join(', or ')}.`
      : better === null || worst === null
        ? 'Nothing measured here is better.'
        : betterWords(better, worst);
  return since === null ? use : `${use} Since ${versionOf(since.bad)}: ${versionOf(since.good)} still works.`;
}

function betterWords({ name, frozen, trials, toTell }: Better, worst: Place): string {
  const seen = `${name}, ${frozen} of ${trials} with ${placeWords(worst)}`;
  if (toTell === 0) return `Better, if not yet called reliable: ${seen}.`;
  const more = toTell === Infinity ? 'more trials of each' : `some ${toTell} trials of each`;
  return `Looks better: ${seen}; ${more} would tell.`;
}

const plurals: Readonly<Record<Reliability, string>> = {
  works: 'reliable',
  unreliable: 'unreliable',
  fails: 'failing',
  crashes: 'crashing the kernel',
  unknown: 'with too few trials',
};

/** One line for a kernel: what works, what does not. */
export function kernelWords({ uses }: KernelCompatibility): string {
  const count = (verdict: Reliability): number => uses.filter((use) => use.verdict === verdict).length;
  const parts = (['works', 'unreliable', 'fails', 'crashes', 'unknown'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `${count(verdict)} ${plurals[verdict]}`);
  return `${plural(uses.length, 'use')} measured: ${parts.join(', ')}.`;
}

/** The measured workloads that cannot be frozen on a kernel, in words; empty when there are none. */
export function heldWords({ held }: KernelCompatibility): string {
  if (held.length === 0) return '';
  const parts = held.map(({ cgroup, workloads }) => `${workloads.join(', ')} on ${cgroup}`);
  return `Nothing can freeze ${parts.join('; ')}: their tasks wait where this freezer cannot reach them, so retries do not help, and the verdicts above leave it out.`;
}

/** How the verdicts are reached. */
export const compatibilityMethod =
  'A use works when no kind of processes contradicts a rate of 99 % and all together prove 90 %; it is unreliable when ' +
  'one kind has an interval below 99 %, fails when one kind never froze that can be frozen, and crashes when the kernel did in ' +
  'any trial. Intervals are of 95 %, by boots; more trials would tell in 80 % of cases, if the rates are those seen. A program is judged by the freeze; what it did besides is told.';

/** The compatibility report as GitHub Markdown; ends with a newline. */
export function compatibilityMarkdown(
  kernels: readonly KernelCompatibility[],
  runs: readonly RunName[],
): string {
  const lines = ['# Which freezes can be relied on', ''];
  if (kernels.length === 0) lines.push('No cell of these runs has a rate.', '');
  for (const kernel of kernels) {
    lines.push(`## Linux ${escapeMarkdown(kernel.release)}`, '');
    lines.push(`${escapeMarkdown(kernel.distros.join(', '))}. ${kernelWords(kernel)}`, '');
    if (kernel.uses.length > 0)
      lines.push('| use | cgroup | verdict | seen | advice |', '| --- | --- | --- | --- | --- |');
    for (const use of kernel.uses) {
      const { sign, word } = badges[use.verdict];
      const row = [
        `${purposeWords[use.purpose]}: ${use.name}`,
        use.cgroup,
        `${sign} **${word}**`,
        evidenceWords(use),
        adviceWords(use),
      ];
      const cells = row.map((text, i) => (i === 2 ? text : escapeMarkdown(text)));
      lines.push(`| ${cells.join(' | ')} |`);
    }
    const held = heldWords(kernel);
    lines.push(...(kernel.uses.length > 0 ? [''] : []), ...(held === '' ? [] : [escapeMarkdown(held), '']));
  }
  lines.push(compatibilityMethod, '', `From ${runs.map(({ id }) => escapeMarkdown(id)).join(', ')}.`);
  return `${lines.join('\n')}\n`;
}
