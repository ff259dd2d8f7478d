import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Api } from 'grammy'
import { expect, it } from 'vitest'
import { remoteControl } from './index.ts'

it('runs as a command of its own and ends when told', async () => {
  const entry = new URL('./main.ts', import.meta.url).pathname
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', entry, '--token', '77:k2FakeTokenOfTheCommandLine', '--chat=-100200'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exited = once(child, 'exit')
  try {
    const early = exited.then(([code]) => Promise.reject(new Error(`ended with ${code}`)))
    const [line] = (await Promise.race([once(child.stdout, 'data'), early])) as [Buffer]
    const info = JSON.parse(String(line)) as { url: string; token: string; chatId: number; userId: number }
    expect(info).toMatchObject({ token: '77:k2FakeTokenOfTheCommandLine', chatId: -100200 })
    const api = new Api(info.token, { apiRoot: info.url })
    await api.sendMessage(info.chatId, 'hello')
    const control = remoteControl(info.url)
    await control.post(info.chatId, info.userId, 'hi')
    expect((await control.visible(info.chatId)).map((m) => m.text)).toEqual(['hello', 'hi'])
    expect((await api.getUpdates()).map((u) => u.message?.text)).toEqual(['hi'])
  } finally {
    child.kill('SIGTERM')
  }
  expect(await exited).toEqual([0, null])
})
