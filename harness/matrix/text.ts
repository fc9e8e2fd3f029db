import { z } from 'zod';

/** Text that matches a pattern. A value of another type gets the same error, since quoting alone would not help. */
export const text = (pattern: RegExp, expected: string): z.ZodString =>
  z
    .string({
      error: ({ code, input }) => (code === 'invalid_type' && input !== null ? expected : undefined),
    })
    .regex(pattern, { error: expected, abort: true });
