import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives the tests one temporary folder of their own, and removes it with all they left in it. */
export default function setup(): () => void {
  const dir = mkdtempSync(join(tmpdir(), 'frostline-'));
  process.env['TMPDIR'] = dir;
  return () => rmSync(dir, { recursive: true, force: true });
}
