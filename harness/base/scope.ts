/**
 * A stack of teardowns, run in reverse order, each even if another fails. Push a teardown before its setup
 * can fail. (Stands in for AsyncDisposableStack, which Node 20 lacks.)
 */
export class Scope implements AsyncDisposable {
  readonly #undo: (() => unknown)[] = [];

  defer(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'more than one teardown failed');
  }
}
