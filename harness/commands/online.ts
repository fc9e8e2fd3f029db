import { FrostlineError } from '../errors.ts';
import { findMirror, refusesExpired } from '../lab/apt/mirror.ts';
import type { Answer, Checksum } from '../lab/online/answer.ts';
import { defaultServer } from '../lab/online/boxes.ts';
import { explainFault } from '../lab/online/fault.ts';
import { matrixAsker, type DistroAsked } from '../lab/online/matrix.ts';
import { placeWords } from '../lab/online/places.ts';
import type { Matrix, Way } from '../matrix/matrix.ts';
import { escapeJson, escapeTerminal } from '../report/escape.ts';
import { terminalTable } from '../report/history/table.ts';
import { plural } from '../report/words.ts';
import type { Io } from './io.ts';

export interface OnlineOptions {
  readonly online?: boolean;
  readonly hash?: boolean;
  readonly timeout?: string;
  readonly json?: boolean;
}

/** Asks every place that a matrix names. */
export type AskMatrix = ReturnType<typeof matrixAsker>;

/** All requests to one place together may take this many answer timeouts; with a download of some GiB, an hour. */
const answersOfPlace = 6;
const downloadMs = 3_600_000;

/** The checker for `--online`; null without it. Rejects ('usage') options that are meaningless without it. */
export function openAsker({ online, hash = false, timeout, json }: OnlineOptions, io: Io): AskMatrix | null {
  if (online !== true) {
    const idle = [hash ? '--hash' : '', timeout === undefined ? '' : '--timeout', json ? '--json' : ''].find(
      Boolean,
    );
    if (idle === undefined) return null;
    throw new FrostlineError(`${idle} needs --online.`, {
      code: 'usage',
      todo: `Add --online, or leave ${idle} out.`,
    });
  }
  const answerMs = parseTimeout(timeout ?? '15');
  return matrixAsker({
    signal: io.signal,
    answerMs,
    placeMs: hash ? downloadMs : answersOfPlace * answerMs,
    whole: hash,
    boxServer: io.env['VAGRANT_SERVER_URL'] || defaultServer,
    archives: { mirror: findMirror, refusesExpired },
    onDownload: (what) =>
      void io.stderr.write(`frostline: downloading ${escapeTerminal(what)} to compare it\n`),
  });
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (/^[\d.]+$/.test(text) && seconds >= 0.1 && seconds <= 600) return seconds * 1000;
  throw new FrostlineError(`--timeout "${text}" is no number of seconds.`, {
    code: 'usage',
    todo: 'Give one from 0.1 to 600.',
  });
}

/** Whether each distro of a matrix can be obtained in some way. */
export const canBeHad = (distros: readonly DistroAsked[]): boolean => distros.every(({ answers }) => answers);

const columns = ['distro', 'way', 'place', 'answer', 'size', 'checksum', 'newest'] as const;

/** A table of the places' answers, then what to do about each failure, and the overall result. */
export function answersTable(distros: readonly DistroAsked[]): string {
  const asked = distros.flatMap(({ distro, ways }) =>
    ways.flatMap(({ way, places }) => places.map((one) => ({ distro, way, ...one }))),
  );
  const rows = asked.map(({ distro, way, place, answer }) => [
    distro,
    wayWord(way),
    placeWords(place),
    answerWords(answer),
    answer.bytes === null ? '' : sizeWords(answer.bytes),
    answer.checksum === null ? '' : checksumWords[answer.checksum],
    answer.newest ?? '',
  ]);
  const faults = asked.flatMap(({ distro, place, answer: { fault } }) => {
    if (fault === null) return [];
    const { answer, todo } = explainFault(fault);
    return [`${distro}: ${placeWords(place)}: ${answer}`, `  -> ${todo}`];
  });
  const below = ['', ...faults, ...(faults.length === 0 ? [] : ['']), verdict(distros)];
  // remedies are listed below to keep the table readable; lines are not cut, since the last columns matter
  const table = terminalTable(columns, rows, Number.POSITIVE_INFINITY);
  return `${table}${below.map(escapeTerminal).join('\n')}\n`;
}

function verdict(distros: readonly DistroAsked[]): string {
  const not = distros.filter(({ answers }) => !answers).map(({ distro }) => distro);
  return not.length === 0
    ? `Each of ${plural(distros.length, 'distro')} can be had.`
    : `${distros.length - not.length} of ${plural(distros.length, 'distro')} can be had. No way answers to: ${not.join(', ')}.`;
}

const answerWords = ({ fault, note }: Answer): string =>
  fault === null ? (note ?? 'answers') : explainFault(fault).answer;

const wayWord = (way: Way): string =>
  way.driver === 'vagrant' ? `vagrant ${way.provider}` : way.driver === 'image' ? 'qemu image' : way.driver;

const sizeWords = (bytes: number): string =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const checksumWords: Readonly<Record<Checksum, string>> = {
  given: 'not offered',
  offered: 'offered',
  listed: 'as listed',
  verified: 'verified',
  differs: 'differs',
};

/** The same for programs; `schema` changes when a field changes its meaning. */
export function answersJson(files: readonly FileAsked[]): string {
  return `${escapeJson({ schema: 1, matrices: files.map(({ file, matrix, distros }) => ({ file, matrix: matrix.name, distros: distros.map(distroJson) })) })}\n`;
}

/** A matrix file and the answers for what it names. */
export interface FileAsked {
  readonly file: string;
  readonly matrix: Matrix;
  readonly distros: readonly DistroAsked[];
}

const distroJson = ({ distro, ways, answers }: DistroAsked): object => ({
  distro,
  answers,
  ways: ways.map(({ way, places, answers }) => ({
    way: wayWord(way),
    answers,
    places: places.map(({ place, answer }) => ({
      place: placeWords(place),
      answers: answer.fault === null,
      answer: answerWords(answer),
      fault: answer.fault?.code ?? null,
      todo: answer.fault === null ? null : explainFault(answer.fault).todo,
      bytes: answer.bytes,
      checksum: answer.checksum,
      newest: answer.newest,
    })),
  })),
});
