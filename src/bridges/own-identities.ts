/**
 * Who we are on every network, shared by all bridges of a process, so that none takes our own messages for a person's
 * (bridging 12.1, 12.2). Keys: author keys such as `discord:<user id>`, and `discord-webhook:<id>`, `discord-application:<id>`.
 */
export class OwnIdentities {
  readonly #keys = new Set<string>()

  add(key: string): void {
    this.#keys.add(key)
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }
}
