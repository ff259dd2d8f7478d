import { it } from 'vitest'
import { embeddedDir } from '../../support/embedded.ts'
import { killRounds } from './kill.ts'

it('loses nothing and keeps order through kill -9 on the embedded database', { timeout: 240_000 }, async () => {
  const { dir, remove } = await embeddedDir()
  await killRounds(dir)
  await remove()
})
