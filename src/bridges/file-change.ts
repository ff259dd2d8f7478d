import { bodyFiles } from './media.ts'
import type { NativePart, SendRequest } from './port.ts'

/** How an edit changes the files of a message. */
export interface FileChange {
  /** Numbers of the body's files that no native message shows yet. */
  readonly added: ReadonlySet<number>
  /** By part: ids of files it shows and should not show any more. */
  readonly lost: ReadonlyMap<number, readonly string[]>
}

/** In `NativePart.shows` of messages that were made before it was kept which files they show. */
export const UNKNOWN_FILES = '?'

/**
 * What an edit means for the files that are shown (bridging 10.1). Undefined: they stay as they are, because the edit names
 * not all of them, or nobody knows what is shown. Pure.
 */
export function fileChange(request: SendRequest): FileChange | undefined {
  if (request.op !== 'edit' || request.keepsFiles) return undefined
  const shown = new Set(request.parts.flatMap((part) => part.shows ?? []))
  if (shown.has(UNKNOWN_FILES)) return undefined
  const wanted = bodyFiles(request.body).map((file) => file.id)
  const added = new Set(wanted.flatMap((id, index) => (shown.has(id) ? [] : [index])))
  const lost = new Map(request.parts.flatMap((part) => lossOf(part, wanted)))
  return { added, lost }
}

function lossOf(part: NativePart, wanted: readonly string[]): [number, readonly string[]][] {
  const gone = (part.shows ?? []).filter((id) => !wanted.includes(id))
  return gone.length === 0 ? [] : [[part.part, gone]]
}

/** Files a native message still shows after the change. */
export function keptBy(part: NativePart, change: FileChange): readonly string[] {
  const lost = change.lost.get(part.part) ?? []
  return (part.shows ?? []).filter((id) => !lost.includes(id))
}
