import type { MediaFile } from '../../bridges/media.ts'

/** Serves files of the store to people by a signed, expiring address. */
export interface FileLinks {
  /**
   * Address under which the file can be got until `until` (ms since the epoch); undefined when no public address is
   * configured. The same arguments give the same address, so that a repeated attempt sends the same text.
   */
  linkTo(file: MediaFile, name: string, until: number): Promise<string | undefined>
}
