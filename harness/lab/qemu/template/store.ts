import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../../base/files.ts';
import { cacheDir } from '../../../base/paths.ts';
import { inTurn } from '../../../base/turn.ts';
import { sentence } from '../../../errors.ts';
import { bootMachine, type MachinePlan, type QemuMachine } from '../machine.ts';
import { startClone } from './clone.ts';
import { makeTemplate } from './make.ts';
import { markUsed, pruneTemplates, readTemplate, templateKey, type Template } from './template.ts';

/** The templates of a run: kept in the cache, each verified once, and made if there is no intact one. */
export class Templates {
  readonly #warn: (text: string) => void;
  /** Failures stay here, too: a template that was not made, or gave no machine, is not retried in this run. */
  readonly #known = new Map<string, Promise<Template>>();

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** A clone of the template with that number; if that fails, a booted machine whose facts say why. */
  async start(plan: MachinePlan, number: number): Promise<QemuMachine> {
    const key = await templateKey(plan, number);
    try {
      const known = this.#known.get(key) ?? this.#readOrMake(plan, key);
      this.#known.set(key, known);
      return await this.#clone(plan, key, await known);
    } catch (error) {
      plan.signal.throwIfAborted();
      const failed = sentence(error).split('\n')[0]!;
      this.#warn(`${plan.id} is booted, not started from a template: ${failed}`);
      return bootMachine(plan, { clone: null, failed });
    }
  }

  async #clone(plan: MachinePlan, key: string, template: Template): Promise<QemuMachine> {
    try {
      return await startClone(plan, template);
    } catch (error) {
      plan.signal.throwIfAborted();
      const given = Promise.reject(error);
      given.catch(() => undefined);
      this.#known.set(key, given);
      // the next run makes it again; machines that were started from it keep their open files
      await rm(template.dir, { recursive: true, force: true });
      throw error;
    }
  }

  #readOrMake(plan: MachinePlan, key: string): Promise<Template> {
    const dir = cacheDir('templates', key);
    return inTurn(`template-${key}`, async () => {
      const found = await readTemplate(dir);
      const template = found ?? (await this.#make(plan, key, dir));
      await markUsed(template);
      return template;
    });
  }

  async #make(plan: MachinePlan, key: string, dir: string): Promise<Template> {
    await rm(dir, { recursive: true, force: true });
    await pruneTemplates(dirname(dir));
    const id = `template-${key}`;
    const own = { ...plan, id, console: join(dirname(plan.console), `${id}.log`) };
    let made: Omit<Template, 'dir'> | undefined;
    await makeFolder(dir, async (draft) => {
      made = await makeTemplate(own, draft);
    });
    return { dir, ...made! };
  }
}
