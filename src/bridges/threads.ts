import type { Place } from './model/place.ts'

/** What happens to a thread or topic because its counterpart changed (bridging 10.5). */
export type ThreadChange = { readonly kind: 'rename'; readonly title: string } | { readonly kind: 'close' | 'reopen' }

/** Implemented by bridges whose platform has threads. Never rejects for reasons of the platform. */
export interface ThreadedBridge {
  /** `place` names the thread. `refused`: it will not work by trying again. */
  changeThread(place: Place, change: ThreadChange, signal: AbortSignal): Promise<'done' | 'later' | 'refused'>
  /** Begins a thread or topic in a channel; answers its id. Rejects K2Error, `denied` where a right is missing. */
  openThread(place: Place, title: string, signal: AbortSignal): Promise<string>
}
