import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { MediaSource } from '../../bridges/media.ts'
import type { Bridge } from '../../bridges/port.ts'
import type { Config } from '../config/schema.ts'
import { MediaLibrary } from './library.ts'
import { MediaStore } from './store.ts'

export interface MediaParts {
  readonly config: Pick<Config, 'dataDir' | 'media' | 'limits'>
  readonly clock: Clock
  readonly log: Logger
}

export interface Media {
  readonly library: MediaLibrary
  readonly store: MediaStore
  readonly part: Lifecycle
}

/** Opens the files of messages under the data directory. */
export async function openMedia({ config, clock, log }: MediaParts): Promise<Media> {
  const { maxFile, budget } = config.media
  const dir = join(config.dataDir, 'media')
  const store = await MediaStore.open({ dir, budget, keepMs: config.limits.retention, clock })
  const library = new MediaLibrary({ store, maxBytes: maxFile, clock, log: log.child({ mod: 'media' }) })
  return { library, store, part: { name: 'media', stop: async () => library.close() } }
}

/** Makes the bridge the place where files of its messages are read. */
export function connectSource(library: MediaLibrary, bridge: Bridge): void {
  if ((bridge.network === 'discord' || bridge.network === 'telegram') && hasFiles(bridge))
    library.addSource(bridge.network, bridge.account, bridge)
}

function hasFiles(bridge: Bridge): bridge is Bridge & MediaSource {
  return typeof (bridge as Partial<MediaSource>).openAttachment === 'function'
}
