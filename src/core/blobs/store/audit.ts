import { setImmediate } from 'node:timers/promises'
import { equalBytes } from '../../../base/bytes.ts'
import { type Hash, idBytes } from '../../ids.ts'
import { readAhead } from '../blob-bytes.ts'
import { CHUNK_BYTES, CV_BYTES, GROUP_BYTES, leftBytes, PAIR_BYTES, parentCv, subtreeCv } from '../tree/blake3.ts'
import type { BlobSource } from '../tree/encode.ts'
import { throwIfAborted } from './errors.ts'
import { GroupSet } from './group-set.ts'

/** Groups hashed before others get a turn: about 2 ms. */
const GROUPS_PER_TURN = 32

/**
 * Hashes stored content again and answers the groups that are provably right, looking only at those in `present`.
 * A source that rejects counts as wrong there. Rejects only `ABORTED`.
 */
export async function auditGroups(
  source: BlobSource,
  hash: Hash,
  present: GroupSet,
  signal?: AbortSignal | undefined,
): Promise<GroupSet> {
  const good = new GroupSet()
  const reader = readAhead(source)
  let done = 0
  const visit = async (offset: number, length: number, index: number, isRoot: boolean, want: Uint8Array): Promise<void> => {
    if (length <= GROUP_BYTES) {
      const group = offset / GROUP_BYTES
      if (!present.covers(group, group + 1)) return
      throwIfAborted(signal)
      if (++done % GROUPS_PER_TURN === 0) await setImmediate()
      const data = await reader.read(offset, length).catch(() => undefined)
      if (data?.length === length && equalBytes(subtreeCv(data, offset / CHUNK_BYTES, isRoot), want)) good.add(group, group + 1)
      return
    }
    const pair = await reader.pair(index).catch(() => undefined)
    if (pair?.length !== PAIR_BYTES || !equalBytes(parentCv(pair, isRoot), want)) return
    const left = leftBytes(length)
    await visit(offset, left, index + 1, false, pair.slice(0, CV_BYTES))
    await visit(offset + left, length - left, index + left / GROUP_BYTES, false, pair.slice(CV_BYTES, PAIR_BYTES))
  }
  await visit(0, source.size, 0, true, idBytes(hash))
  return good
}
