import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

/** A page in a browser, and everything that went wrong in it. */
export interface Opened {
  readonly page: Page;
  /** Errors, console messages, dialogs, and requests for anything besides the page. */
  readonly wrong: readonly string[];
}

/** Debian's Chromium, headless, and pages from files. */
export class Pages implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #dir: string;

  constructor(browser: Browser, dir: string) {
    this.#browser = browser;
    this.#dir = dir;
  }

  static async open(): Promise<Pages> {
    const dir = await mkdtemp(join(tmpdir(), 'frostline-pages-'));
    // Chromium's sandbox does not work as root, and all pages are our own
    return new Pages(
      await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] }),
      dir,
    );
  }

  /** Opens a page as a file, without network, and waits until it is drawn. */
  async show(html: string, hash = '', scheme: 'light' | 'dark' = 'light'): Promise<Opened> {
    const file = join(this.#dir, 'page.html');
    await writeFile(file, html);
    const context = await this.#browser.newContext({
      colorScheme: scheme,
      viewport: { width: 1400, height: 1000 },
    });
    await context.setOffline(true);
    const page = await context.newPage();
    const wrong: string[] = [];
    const url = pathToFileURL(file).href;
    page.on('console', (message) => wrong.push(message.text()));
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('dialog', (dialog) => {
      wrong.push(dialog.message());
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) wrong.push(request.url());
    });
    await page.goto(url + hash);
    await page.waitForSelector('html[data-drawn]');
    return { page, wrong };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await rm(this.#dir, { recursive: true });
  }
}

/** The serious and critical findings of axe-core, each with its place. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
}
