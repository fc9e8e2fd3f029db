import { Option, type Command } from 'commander';
import type { CompactOptions, FlakyOptions, SqlOptions, TrendOptions } from './history.ts';
import type { Io } from './io.ts';

const format = (...more: string[]): Option =>
  new Option('--format <format>', 'how to write it; csv and json have every row')
    .choices(['terminal', 'csv', 'json', ...more])
    .default('terminal');

const since = (): Option => new Option('--since <day>', 'leave earlier runs out, e.g. 2026-11-20');

/** Adds the command `frostline history`. */
export function addHistory(program: Command, io: Io, results: () => Option): void {
  const history = program
    .command('history')
    .description('ask all stored runs at once: trends, flaky cells, SQL');
  history
    .command('trend')
    .description("how cells' rates went from run to run, kernel changes marked")
    .requiredOption('--cell <glob>', "cells, e.g. 'debian-12/v1/*/single'; * takes slashes too")
    .addOption(new Option('--by <what>', 'a point for each').choices(['run', 'day']).default('run'))
    .addOption(since())
    .addOption(results())
    .addOption(format('html'))
    .action(async (options: TrendOptions) => (await import('./history.ts')).historyTrend(options, io));
  history
    .command('flaky')
    .description('cells whose rate on one kernel is neither 0 nor 1, those nearest to one half first')
    .addOption(since())
    .addOption(results())
    .addOption(format())
    .action(async (options: FlakyOptions) => (await import('./history.ts')).historyFlaky(options, io));
  history
    .command('sql')
    .description('one SELECT over the views `trials` and `runs`, in the SQL of DuckDB; reads nothing else')
    .argument('[query]', 'in quotes')
    .option('--columns', 'say what columns there are instead')
    .addOption(results())
    .addOption(format())
    .action(async (query: string | undefined, options: SqlOptions) =>
      (await import('./history.ts')).historySql(query, options, io),
    );
  history
    .command('compact')
    .description('write the records of each run to Parquet as well: smaller, and read much faster')
    .option('--delete-originals', 'remove the NDJSON files of which every line is in Parquet')
    .addOption(results())
    .action(async (options: CompactOptions) => (await import('./history.ts')).historyCompact(options, io));
}
