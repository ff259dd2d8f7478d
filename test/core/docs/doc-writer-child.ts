// Writes entries into a document of the folder in argv[2] until it is killed, printing each key once it is committed. Every
// seventh entry deletes the ones before it below its prefix.

import { utf8 } from '../../../src/base/bytes.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { KvDocStore, lmdbMap, writeCapability } from '../../../src/core/docs/index.ts'
import { OpenDoc } from '../../../src/core/docs/open-doc.ts'
import { createVerifier, signerOfSeed } from '../../../src/core/keys/ed25519.ts'

const store = await KvDocStore.open(await lmdbMap(process.argv[2] as string))
const capability = writeCapability(new Uint8Array(32).fill(1))
await store.putCapability(capability)
const doc = await OpenDoc.load(capability, {
  store,
  clock: systemClock,
  verify: createVerifier(),
  status: async () => 'missing',
})
const author = signerOfSeed(new Uint8Array(32).fill(2))
process.stdout.write('ready\n')
for (let n = doc.replica.index.size === 0 ? 0 : Number(process.argv[3]); ; n++) {
  const group = Math.floor(n / 7)
  const key = utf8(n % 7 === 6 ? `${group}/` : `${group}/${n}`)
  if (n % 7 === 6) await doc.delete(author, key)
  else await doc.insert(author, key, { hash: new Uint8Array(32).fill(1 + (n % 200)), len: 1 })
  process.stdout.write(`${n}\n`)
}
