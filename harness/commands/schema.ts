import { toJsonSchema } from '../matrix/schema.ts';
import type { Io } from './io.ts';

/** `frostline schema`: the JSON Schema of a matrix file, for editors. */
export function schema(io: Io): void {
  io.stdout.write(toJsonSchema());
}
