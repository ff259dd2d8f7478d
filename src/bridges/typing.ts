import type { Place } from './model/place.ts'

/** Implemented by bridges whose platform shows that somebody is writing. Best effort: it never rejects. */
export interface TypingBridge {
  /** Shows for some seconds that somebody is writing at this place. */
  showTyping(place: Place, signal: AbortSignal): Promise<void>
}
