import type { NativeRef } from './model/place.ts'

/** Implemented by bridges whose platform has pins. Never rejects for reasons of the platform. */
export interface PinningBridge {
  /** Pins one of its messages, without notifying anybody. `refused`: it will not work by trying again (no right, too many). */
  pin(ref: NativeRef, signal: AbortSignal): Promise<'done' | 'later' | 'refused'>
}
