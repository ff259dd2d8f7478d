import type { Attachment } from './model/message.ts'

/** Implemented by bridges whose people have pictures at addresses that may not be passed on (bridging 11). */
export interface PortraitSource {
  /**
   * The present picture of an author as a file of this account; undefined when there is none, or none that we may see.
   * Rejects when the platform cannot be asked now.
   */
  portraitOf(authorKey: string, signal: AbortSignal): Promise<Attachment | undefined>
}
