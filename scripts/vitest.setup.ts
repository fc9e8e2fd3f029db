import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives the tests a folder of their own for temporary files and machines, and removes it at the end. */
export default function setup(): () => void {
  const dir = mkdtempSync(join(tmpdir(), 'frostline-'));
  process.env['TMPDIR'] = dir;
  process.env['FROSTLINE_RUNTIME_DIR'] = join(dir, 'machines');
  return () => rmSync(dir, { recursive: true, force: true });
}
