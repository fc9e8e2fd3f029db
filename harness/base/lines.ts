import { StringDecoder } from 'node:string_decoder';

/** Appended to a line that was cut at `max` characters. */
export const cutMark = '…[cut]';

/**
 * Splits a byte stream into lines, without their newline, with backpressure. The rest of a line beyond
 * `max` characters is dropped, so that no guest can fill the harness's memory. A stream that is destroyed
 * ends the lines without an error.
 */
export async function* boundedLines(stream: AsyncIterable<Buffer>, max: number): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let held = '';
  let cut = false;
  try {
    for await (const chunk of stream) {
      const parts = decoder.write(chunk).split('\n');
      for (const [i, part] of parts.entries()) {
        if (i > 0) {
          yield cut ? held + cutMark : held;
          held = '';
          cut = false;
        }
        const room = max - held.length;
        if (part.length > room) cut = true;
        held += part.slice(0, room);
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
  if (held !== '') yield cut ? held + cutMark : held;
}
