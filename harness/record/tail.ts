import { open } from 'node:fs/promises';

/**
 * Cuts off what follows the last newline of a file: the beginning of a line whose writer was killed. Resolves with the
 * number of bytes cut off; anything but a regular file is left alone.
 */
export async function cutTornTail(path: string): Promise<number> {
  await using file = await open(path, 'r+');
  const stat = await file.stat();
  if (!stat.isFile()) return 0;
  const chunk = Buffer.alloc(64 * 1024);
  let end = stat.size;
  while (end > 0) {
    const from = Math.max(0, end - chunk.length);
    const { bytesRead } = await file.read(chunk, 0, end - from, from);
    const at = chunk.subarray(0, bytesRead).lastIndexOf(0x0a);
    end = at === -1 ? from : from + at + 1;
    if (at !== -1) break;
  }
  if (end < stat.size) {
    await file.truncate(end);
    await file.sync();
  }
  return stat.size - end;
}
