import type { Command } from 'commander';
import { toJsonSchema } from '../matrix/schema.ts';
import type { Io } from './io.ts';

/** `frostline schema`: the JSON Schema of a matrix file, for editors. */
export function register(program: Command, io: Io): void {
  program
    .command('schema')
    .description('print the JSON Schema of matrix files (matrices/schema.json)')
    .action(() => void io.stdout.write(toJsonSchema()));
}
