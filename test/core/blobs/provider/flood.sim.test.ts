import { afterEach, describe, expect, it } from 'vitest'
import { blake3 } from '../../../../src/core/blobs/tree/blake3.ts'
import { hashOf } from '../../../../src/core/ids.ts'
import { pattern } from '../../net/support.ts'
import { Scene } from './scene.ts'
import { ask, fetchBlob, getRequest } from './support.ts'

let scene: Scene
afterEach(() => scene.close())

describe('a flood', () => {
  it('10,000 junk requests do not keep an honest peer waiting', async () => {
    scene = new Scene()
    const { store, provider } = scene
    const data = pattern(200_000)
    const hash = store.add(data)
    let sent = 0
    const attack = async (): Promise<void> => {
      while (sent < 10_000) {
        // A new identity whenever the old one is turned away.
        const connection = await scene.visit()
        while (!connection.isClosed && sent < 10_000) {
          const unknown = getRequest(hashOf(blake3(new Uint8Array([sent % 256]))))
          await ask(connection, sent++ % 4 > 0 ? new Uint8Array([7, 7, 7]) : unknown).catch(() => {})
        }
      }
    }
    const attackers = Array.from({ length: 8 }, attack)
    const peer = await scene.visit()
    for (let i = 0; i < 20; i++) expect(await fetchBlob(peer, hash)).toHaveLength(200_000)
    await Promise.all(attackers)
    expect(sent).toBeGreaterThanOrEqual(10_000)
    expect(scene.events.filter((e) => e.type === 'turned-away').length).toBeGreaterThan(50)
    expect(provider.load().requests).toBeLessThanOrEqual(128)
    expect(await fetchBlob(await scene.visit(), hash)).toHaveLength(200_000)
  })
})
