import { rm } from 'node:fs/promises';
import { makeFolder } from '../../../base/files.ts';
import { cacheDir } from '../../../base/paths.ts';
import { inTurn } from '../../../base/turn.ts';
import { sentence } from '../../../errors.ts';
import { join, dirname } from 'node:path';
import { bootMachine, type MachinePlan, type QemuMachine } from '../machine.ts';
import { startClone } from './clone.ts';
import { makeTemplate } from './make.ts';
import { readTemplate, templateKey, type Template } from './template.ts';

/** The templates of a run: kept in the cache, each checked once, made where there is none that is whole. */
export class Templates {
  readonly #warn: (text: string) => void;
  readonly #known = new Map<string, Promise<Template>>();

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** A clone of the template with that number; where it cannot be had a machine that is booted, which says why. */
  async start(plan: MachinePlan, number: number): Promise<QemuMachine> {
    try {
      return await startClone(plan, await this.get(plan, number));
    } catch (error) {
      plan.signal.throwIfAborted();
      const failed = sentence(error);
      this.#warn(`${plan.id} is booted, not started from a template: ${failed}`);
      return bootMachine(plan, { failed });
    }
  }

  /** The template with that number; rejects, for the rest of the run, when it could not be made. */
  async get(plan: MachinePlan, number: number): Promise<Template> {
    const key = await templateKey(plan, number);
    const known = this.#known.get(key) ?? this.#readOrMake(plan, key);
    this.#known.set(key, known);
    return known;
  }

  async #readOrMake(plan: MachinePlan, key: string): Promise<Template> {
    const dir = cacheDir('templates', key);
    return inTurn(`template-${key}`, async () => {
      const found = await readTemplate(dir);
      if (found) return found;
      await rm(dir, { recursive: true, force: true });
      const id = `template-${key}`;
      const own = { ...plan, id, console: join(dirname(plan.console), `${id}.log`) };
      await makeFolder(dir, (draft) => makeTemplate(own, draft));
      const made = await readTemplate(dir);
      if (made) return made;
      throw new Error(`The template in ${dir} is not what was saved.`);
    });
  }
}
