import { recordSchemaVersion } from '../record/schema.ts';
import { countedOutcomes, isFinal, isSuccess, outcomes } from '../trial/outcome.ts';
import { quote } from './duck.ts';

/** A column of the view `trials` or `runs`. */
export interface Column {
  readonly name: string;
  /** Its SQL expression over the stored columns. */
  readonly from: string;
  readonly about: string;
}

/** The format version of the Parquet files; readers accept no other. */
export const parquetVersion = '2';

/** The fields of a record with the types in which DuckDB reads them from NDJSON; `states` and `steps` stay JSON. */
const recordTypes: Readonly<Record<string, string>> = {
  schema: 'INTEGER',
  cell: 'VARCHAR',
  trial: 'BIGINT',
  seed: 'BIGINT',
  at: 'TIMESTAMP',
  outcome: 'VARCHAR',
  reason: 'VARCHAR',
  frozenUs: 'BIGINT',
  writes: 'BIGINT',
  reads: 'BIGINT',
  thaws: 'BIGINT',
  states: 'JSON',
  thaw: 'STRUCT(outcome VARCHAR, us BIGINT, casualties BIGINT)',
  blockers:
    'STRUCT(pid BIGINT, comm VARCHAR, state VARCHAR, wchan VARCHAR, syscall BIGINT, stack VARCHAR[], ' +
    'unread BOOLEAN, "killedThreads" BIGINT, "group" VARCHAR)[]',
  tool: 'STRUCT(name VARCHAR, version VARCHAR, code BIGINT, ok BOOLEAN, us BIGINT, error VARCHAR)',
  parameters: 'JSON',
  steps: 'JSON',
  window: 'JSON',
  wallUs: 'BIGINT',
  guestUs: 'BIGINT',
  guest: 'STRUCT("release" VARCHAR, cgroup VARCHAR, cpus BIGINT, runtime VARCHAR)',
  machine:
    'STRUCT(id VARCHAR, boot VARCHAR, driver VARCHAR, accel VARCHAR, threads VARCHAR, qemu VARCHAR, cpu VARCHAR, ' +
    '"memoryMiB" BIGINT, userland VARCHAR, host VARCHAR, image VARCHAR, ' +
    'template STRUCT(clone VARCHAR, failed VARCHAR))',
};

/** Reads the lines of NDJSON files as records; a line that is not a record has NULL in its columns. */
export function readNdjson(paths: readonly string[]): string {
  const types = Object.entries(recordTypes).map(([name, type]) => `${quote(name)}: ${quote(type)}`);
  return (
    `read_json([${paths.map(quote).join(', ')}], format = 'newline_delimited', ignore_errors = true, ` +
    `filename = true, columns = {${types.join(', ')}})`
  );
}

/** Whether a line is a record of this format. */
export const isRecordSql =
  `(schema = ${recordSchemaVersion} AND cell IS NOT NULL AND trial IS NOT NULL AND "at" IS NOT NULL AND ` +
  `machine.boot IS NOT NULL AND outcome IN (${outcomes.map(quote).join(', ')}))`;

const among = (of: Iterable<string>): string => `outcome IN (${[...of].map(quote).join(', ')})`;

/** Whether this record ends its trial for good. */
export const isFinalSql = among(outcomes.filter(isFinal));

/**
 * The columns stored in Parquet, as computed from NDJSON. `run` is the folder's name; `stands` depends on the other
 * records of the trial.
 */
export const stored: readonly Column[] = [
  { name: 'run', from: 'run', about: 'id of the run' },
  { name: 'cell', from: 'cell', about: 'distro/cgroup/runtime/workload/strategy' },
  { name: 'trial', from: 'trial', about: 'its number in the cell, from 0' },
  { name: 'seed', from: 'seed', about: 'what its random choices were made from' },
  { name: 'ended', from: '"at"', about: 'when (UTC)' },
  {
    name: 'outcome',
    from: 'outcome',
    about: 'frozen, not-frozen, false-frozen, passed, failed, kernel-crash, ...',
  },
  { name: 'stands', from: 'stands', about: 'false: another record of the same trial counts in its place' },
  { name: 'reason', from: 'reason', about: 'why a trial was no ordinary one' },
  { name: 'frozen_us', from: '"frozenUs"', about: 'time to FROZEN' },
  { name: 'writes', from: 'writes', about: 'of FROZEN' },
  { name: 'reads', from: 'reads', about: 'of the state' },
  { name: 'thaws', from: 'thaws', about: 'while it was tried' },
  { name: 'states', from: 'states', about: 'JSON: [us, state] of each change that was seen' },
  { name: 'thaw', from: 'thaw.outcome', about: 'thawed, thaw-stuck or casualties' },
  {
    name: 'thaw_us',
    from: 'thaw.us',
    about: 'from THAWED, or the end of what held them, to all running again',
  },
  { name: 'casualties', from: 'thaw.casualties', about: 'processes that did not come back' },
  {
    name: 'blockers',
    from: 'blockers',
    about: 'list of {pid, comm, state, wchan, syscall, stack, unread, killedThreads, group}',
  },
  { name: 'tool', from: 'tool.name', about: 'the program that was to freeze; NULL for a loop of ours' },
  { name: 'tool_version', from: 'tool.version', about: 'e.g. criu 4.1.1' },
  { name: 'tool_code', from: 'tool.code', about: 'its exit code; NULL when it was killed' },
  { name: 'tool_ok', from: 'tool.ok', about: 'whether it did all it was to do' },
  { name: 'tool_us', from: 'tool.us', about: 'how long it ran' },
  { name: 'tool_error', from: 'tool.error', about: 'what it said when it failed' },
  {
    name: 'parameters',
    from: 'parameters',
    about: 'JSON: parameters of its workload, with defaults',
  },
  { name: 'steps', from: 'steps', about: 'JSON: the steps of a sequence' },
  {
    name: 'window',
    from: '"window"',
    about: 'JSON: phase, what the kernel said, changes of the machine, ...',
  },
  { name: 'wall_us', from: '"wallUs"', about: 'the whole trial, seen from the harness' },
  { name: 'guest_us', from: '"guestUs"', about: 'the part that the guest spent in it' },
  { name: 'release', from: 'guest."release"', about: "the guest's kernel, e.g. 6.1.0-56-cloud-amd64" },
  { name: 'guest_cgroup', from: 'guest.cgroup', about: 'v1, v2 or hybrid, as the guest had it' },
  { name: 'cpus', from: 'guest.cpus', about: 'of the guest' },
  { name: 'runtime_version', from: 'guest.runtime', about: 'e.g. runc 1.1.15; NULL without a container' },
  { name: 'machine', from: 'machine.id', about: 'm1, m2, ... in its run' },
  {
    name: 'boot',
    from: 'machine.boot',
    about: "boot id of the guest's kernel: trials of one boot are a cluster",
  },
  { name: 'driver', from: 'machine.driver', about: 'qemu, vagrant, ssh or local' },
  { name: 'accel', from: 'machine.accel', about: 'kvm, tcg, or NULL' },
  { name: 'threads', from: 'machine.threads', about: "QEMU's TCG threads: single, multi, or NULL" },
  { name: 'qemu', from: 'machine.qemu', about: "QEMU's version" },
  { name: 'cpu', from: 'machine.cpu', about: "QEMU's CPU model" },
  { name: 'memory_mib', from: 'machine."memoryMiB"', about: 'of the guest' },
  { name: 'userland', from: 'machine.userland', about: "the guest's root, as the matrix names it" },
  { name: 'host', from: 'machine.host', about: 'a host that was there before' },
  { name: 'image', from: 'machine.image', about: 'the box or image of a whole distro' },
  { name: 'clone', from: 'machine.template.clone', about: "a clone's own boot id; `boot` is its template's" },
  {
    name: 'no_clone',
    from: 'machine.template.failed',
    about: 'why it was booted, not started from a template',
  },
];

/**
 * Reads the rows of Parquet files with all current columns; columns missing from an older file are NULL, as they were
 * in the records it was made from.
 */
export function readParquetSql(paths: readonly string[]): string {
  const names = stored.map(({ name }) => `"${name}"`).join(', ');
  return (
    `SELECT ${names} FROM (SELECT * FROM read_parquet([${paths.map(quote).join(', ')}], union_by_name = true) ` +
    `UNION ALL BY NAME SELECT NULL::JSON AS "window", NULL::JSON AS "parameters" WHERE false)`
  );
}

/** Further columns of the view `trials`, computed by each query. */
export const derived: readonly Column[] = [
  { name: 'counts', from: `(stands AND ${among(countedOutcomes)})`, about: 'whether it enters a rate' },
  { name: 'success', from: among(outcomes.filter(isSuccess)), about: 'frozen or passed' },
  ...['distro', 'cgroup', 'runtime', 'workload', 'strategy'].map((axis, i) => ({
    name: axis,
    from:
      axis === 'strategy'
        ? "array_to_string(string_split(cell, '/')[5:], '/')"
        : `split_part(cell, '/', ${i + 1})`,
    about: `of the cell`,
  })),
];

/** The columns of the view `runs`; each row comes from a run.json. */
export const runColumns: readonly Column[] = [
  { name: 'run', from: 'VARCHAR', about: 'id: the name of its folder' },
  { name: 'name', from: 'VARCHAR', about: 'of its matrix' },
  { name: 'started', from: 'TIMESTAMP', about: '(UTC)' },
  { name: 'finished', from: 'TIMESTAMP', about: 'NULL: it was not' },
  { name: 'status', from: 'VARCHAR', about: 'running, finished or interrupted; NULL: run.json is lost' },
  { name: 'version', from: 'VARCHAR', about: "frostline's" },
  { name: 'trials', from: 'BIGINT', about: 'planned for each cell' },
  {
    name: 'half_width',
    from: 'DOUBLE',
    about: 'of the rates that were sought; NULL: a number of trials was',
  },
  { name: 'cells', from: 'BIGINT', about: 'planned' },
  { name: 'lab', from: 'VARCHAR', about: 'how machines were emulated' },
  { name: 'host_kernel', from: 'VARCHAR', about: "the host's" },
  {
    name: 'source',
    from: 'VARCHAR',
    about: 'what its trials are read from: ndjson, parquet; NULL: it has none',
  },
];
