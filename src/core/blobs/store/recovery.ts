import type { ContentId } from './backend.ts'
import type { StoreContext } from './context.ts'
import { pagedBlobs } from './gc.ts'

/**
 * Removes content and outboards of earlier processes that no entry names: imports cut off by a crash, removals whose second half
 * did not happen. Ids are never used twice, so what nobody names now will never be named.
 */
export async function removeOrphans(context: StoreContext, signal: AbortSignal): Promise<void> {
  const { meta, area } = context.backend
  const found = new Set<ContentId>((await area.list()).filter((id) => !context.isOwnId(id)))
  for (let id = meta.nextPaged(undefined); id !== undefined; id = meta.nextPaged(id)) if (!context.isOwnId(id)) found.add(id)
  if (found.size === 0) return
  for await (const [, entry] of pagedBlobs(meta)) {
    if (signal.aborted) return
    if ('content' in entry) found.delete(entry.content)
  }
  for (const id of found) {
    if (signal.aborted) return
    await context.drop(id)
  }
  if (found.size > 0) context.log.info({ ev: 'blob-orphans', count: found.size }, 'left-overs of an earlier run were removed')
}
