import type { FakeControl } from './control.ts'

/** The control methods of a fake that runs in another process. */
export type RemoteFake = {
  readonly [K in keyof FakeControl]: FakeControl[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never
}

/** Drives a fake through its control URL. */
export function connectFakeDiscord(controlUrl: string): RemoteFake {
  return new Proxy({} as RemoteFake, {
    get(_target, name) {
      // A thenable would confuse `await`.
      if (typeof name !== 'string' || name === 'then') return undefined
      return async (input: unknown) => {
        const response = await fetch(`${controlUrl}/${name}`, { method: 'POST', body: JSON.stringify(input ?? {}) })
        const body: unknown = await response.json()
        if (!response.ok) throw new Error(`${name}: ${JSON.stringify(body)}`)
        return body
      }
    },
  })
}
