import type { TelegramControl } from './control.ts'

/** The control calls as another process sees them: every one answers a promise. */
export type RemoteTelegramControl = {
  [K in keyof TelegramControl]: TelegramControl[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never
}

/** Controls a fake in another process by its URL. */
export function remoteControl(url: string): RemoteTelegramControl {
  return new Proxy({} as RemoteTelegramControl, {
    get(_target, name) {
      if (typeof name !== 'string' || name === 'then') return undefined
      return async (...args: unknown[]) => {
        const response = await fetch(`${url}/__fake/${name}`, { method: 'POST', body: JSON.stringify(args) })
        const body: unknown = await response.json()
        if (!response.ok) throw new Error((body as { error?: string }).error ?? `control call ${name} failed`)
        return body
      }
    },
  })
}
