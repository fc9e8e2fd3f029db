import { factKinds } from '../lab/kernel.ts';
import { cgroupVersions } from '../matrix/matrix.ts';
import { outcomes, thawOutcomes } from '../trial/outcome.ts';
import { recordSchemaVersion, type TrialRecord } from './schema.ts';

/**
 * Whether a parsed line is a record, i.e. what `recordSchema` accepts (a property test compares the two), in some 0.1
 * us instead of 1 to 1.5: this saves a second on a report of a million records.
 */
export function isRecord(value: unknown): value is TrialRecord {
  return (
    isObject(value) &&
    value['schema'] === recordSchemaVersion &&
    isText(value['run']) &&
    isText(value['cell']) &&
    isCount(value['trial']) &&
    isCount(value['seed']) &&
    isText(value['at']) &&
    knownOutcomes.has(value['outcome']) &&
    isNullOr(isText, value['reason']) &&
    isNullOr(isCount, value['frozenUs']) &&
    isCount(value['writes']) &&
    isCount(value['reads']) &&
    isCount(value['thaws']) &&
    isListOf(isState, value['states']) &&
    isNullOr(isThaw, value['thaw']) &&
    isListOf(isBlocker, value['blockers']) &&
    isNullOr(isTool, value['tool']) &&
    (value['parameters'] === undefined || isParameters(value['parameters'])) &&
    (value['steps'] === undefined || isListOf(isStep, value['steps'])) &&
    (value['window'] === undefined || isWindow(value['window'])) &&
    isCount(value['wallUs']) &&
    isNullOr(isCount, value['guestUs']) &&
    isNullOr(isGuest, value['guest']) &&
    isMachine(value['machine'])
  );
}

const knownCgroups: ReadonlySet<unknown> = new Set(cgroupVersions);
const knownOutcomes: ReadonlySet<unknown> = new Set(outcomes);
const knownFacts: ReadonlySet<unknown> = new Set(factKinds);
const knownThaws: ReadonlySet<unknown> = new Set(thawOutcomes);

type Check = (value: unknown) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === 'string';
const isInt = (value: unknown): value is number => Number.isSafeInteger(value);
const isCount: Check = (value) => isInt(value) && value >= 0;
const isPositive: Check = (value) => isInt(value) && value > 0;
const isNullOr = (check: Check, value: unknown): boolean => value === null || check(value);
const isListOf = (check: Check, value: unknown): boolean => Array.isArray(value) && value.every(check);

const isState: Check = (value) =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isText(value[1]);

const isThaw: Check = (value) =>
  isObject(value) &&
  knownThaws.has(value['outcome']) &&
  isNullOr(isCount, value['us']) &&
  isCount(value['casualties']);

const isOptionalText: Check = (value) => value === undefined || isText(value);

const isStep: Check = (value) =>
  isObject(value) &&
  isCount(value['step']) &&
  typeof value['ok'] === 'boolean' &&
  isCount(value['us']) &&
  isOptionalText(value['what']) &&
  isOptionalText(value['expected']) &&
  isOptionalText(value['found']);

const isBlocker: Check = (value) =>
  isObject(value) &&
  isInt(value['pid']) &&
  isText(value['comm']) &&
  typeof value['state'] === 'string' &&
  value['state'].length === 1 &&
  isText(value['wchan']) &&
  isNullOr(isInt, value['syscall']) &&
  isListOf(isText, value['stack']) &&
  (value['unread'] === undefined || value['unread'] === true) &&
  (value['killedThreads'] === undefined || isCount(value['killedThreads'])) &&
  isOptionalText(value['group']);

const isFact: Check = (value) =>
  isObject(value) && knownFacts.has(value['kind']) && isText(value['line']) && isPositive(value['count']);

const isChange: Check = (value) =>
  isObject(value) &&
  isText(value['event']) &&
  typeof value['isOurs'] === 'boolean' &&
  isNullOr(isText, value['detail']) &&
  isCount(value['us']);

const isStuck: Check = (value) =>
  isObject(value) && isBlocker(value) && isCount(value['us']) && isOptionalText(value['file']);

const isWindow: Check = (value) =>
  isObject(value) &&
  isText(value['phase']) &&
  isListOf(isFact, value['facts']) &&
  (value['changes'] === undefined || isListOf(isChange, value['changes'])) &&
  (value['stuck'] === undefined || isStuck(value['stuck'])) &&
  (value['host'] === undefined || isHost(value['host']));

const isParameters: Check = (value) =>
  isObject(value) && Object.values(value).every((one) => isCount(one) || isText(one));

const isHost: Check = (value) => isObject(value) && isCount(value['ranUs']) && isCount(value['waitedUs']);

const isTool: Check = (value) =>
  isObject(value) &&
  isText(value['name']) &&
  isText(value['version']) &&
  isNullOr(isCount, value['code']) &&
  typeof value['ok'] === 'boolean' &&
  isCount(value['us']) &&
  isNullOr(isText, value['error']);

const isGuest: Check = (value) =>
  isObject(value) &&
  isText(value['release']) &&
  knownCgroups.has(value['cgroup']) &&
  isPositive(value['cpus']) &&
  isNullOr(isText, value['runtime']);

const isTemplate: Check = (value) =>
  isObject(value) && isNullOr(isText, value['clone']) && isNullOr(isText, value['failed']);

const isMachine: Check = (value) =>
  isObject(value) &&
  isText(value['id']) &&
  isText(value['boot']) &&
  isText(value['driver']) &&
  (value['accel'] === null || value['accel'] === 'kvm' || value['accel'] === 'tcg') &&
  (value['threads'] === null || value['threads'] === 'single' || value['threads'] === 'multi') &&
  isNullOr(isText, value['qemu']) &&
  isNullOr(isText, value['cpu']) &&
  isNullOr(isPositive, value['memoryMiB']) &&
  isNullOr(isText, value['userland']) &&
  isNullOr(isText, value['host']) &&
  isNullOr(isText, value['image']) &&
  (value['template'] === undefined || isTemplate(value['template']));
