import { z } from 'zod';

/** Text of a form: a value of another type is answered with the form too, for quoting alone would not help. */
export const text = (pattern: RegExp, expected: string): z.ZodString =>
  z
    .string({
      error: ({ code, input }) => (code === 'invalid_type' && input !== null ? expected : undefined),
    })
    .regex(pattern, { error: expected, abort: true });
