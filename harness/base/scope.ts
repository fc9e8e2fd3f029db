/**
 * Things to undo, in reverse order, each even when another fails: push the teardown before the set-up
 * it belongs to can fail. (AsyncDisposableStack, which Node 20 lacks.)
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
