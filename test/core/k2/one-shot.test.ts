import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import { parsePeerId } from '../../../src/core/ids.ts'
import { decodeDirectMessage, encodeDirectMessage } from '../../../src/core/k2/direct-stream.ts'
import { decodeInviteRequest, encodeInviteRequest } from '../../../src/core/k2/sync-invite.ts'

const FOLDER = 'ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1'
const TICKET =
  'docaaacaaydambqgaydambqgaydambqgaydambqgaydambqgaydambqgaydagfiry65oqe7dfp5klns2pf2lvzmuzyjx4ozieq36n2iqanub5xvyaa'
const PEER = parsePeerId('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c')

describe('invitations', () => {
  it('are written as the reference writes them', () => {
    const invitation = encodeInviteRequest({ kind: 'invitation', folderId: FOLDER, folderName: 'Photos', ticket: TICKET })
    expect(fromUtf8(invitation)).toBe(`{"Invitation":{"folder_id":"${FOLDER}","folder_name":"Photos","ticket":"${TICKET}"}}`)
    expect(invitation).toHaveLength(244)
    const query = encodeInviteRequest({ kind: 'query', folderId: FOLDER })
    expect(fromUtf8(query)).toBe(`{"QueryStatus":"${FOLDER}"}`)
    expect(query).toHaveLength(82)
    for (const bytes of [invitation, query]) expect(encodeInviteRequest(decodeInviteRequest(bytes))).toEqual(bytes)
  })

  it('take members in any order and ignore unknown ones inside', () => {
    const text = `{"Invitation":{"more":[1],"ticket":"${TICKET}","folder_name":"","folder_id":"x"}}`
    expect(decodeInviteRequest(utf8(text))).toEqual({ kind: 'invitation', folderId: 'x', folderName: '', ticket: TICKET })
  })

  it.each([
    ['both at once', `{"QueryStatus":"x","Invitation":{"folder_id":"x","folder_name":"","ticket":"${TICKET}"}}`],
    ['a missing member', `{"Invitation":{"folder_id":"x","ticket":"${TICKET}"}}`],
    ['a ticket that is none', '{"Invitation":{"folder_id":"x","folder_name":"","ticket":"docnothing"}}'],
    ['another type', '{"QueryStatus":1}'],
    ['something behind it', '{"QueryStatus":"x"} '.padEnd(1100)],
    ['a list', '[]'],
    ['nothing', ''],
  ])('refuse %s', (_, text) => {
    expect(() => decodeInviteRequest(utf8(text))).toThrow(expect.objectContaining({ name: 'K2Error' }))
  })

  it('too long for the reference are not sent', () => {
    const long = { kind: 'invitation' as const, folderId: FOLDER, folderName: 'ä'.repeat(400), ticket: TICKET }
    expect(() => encodeInviteRequest(long)).toThrow(expect.objectContaining({ code: 'K2_TOO_LARGE' }))
  })

  it('throw nothing but our errors on any bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8)), (bytes) => {
        try {
          decodeInviteRequest(bytes)
        } catch (error) {
          if (!isK2Error(error)) throw error
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('direct messages', () => {
  it('are written as the reference writes them', () => {
    const bytes = encodeDirectMessage({ senderId: PEER, senderName: 'Alice', content: 'Hello!', sentAt: 1_711_234_567_890 })
    expect(fromUtf8(bytes)).toBe(
      `{"content":"Hello!","sender_name":"Alice","sender_node_id":"${PEER}","timestamp":1711234567890}`,
    )
    expect(bytes).toHaveLength(152)
    expect(decodeDirectMessage(PEER, bytes)).toEqual({
      from: PEER,
      senderName: 'Alice',
      content: 'Hello!',
      sentAt: 1_711_234_567_890,
    })
  })

  it.each(['no JSON', '[1]', '"text"', '{"content":5}', '{', '{"__proto__":1,"content":"x"}'])('%s is a text', (text) => {
    expect(decodeDirectMessage(PEER, utf8(text))).toEqual({ from: PEER, senderName: undefined, content: text, sentAt: undefined })
  })

  it('any bytes are a message', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8)), (bytes) => {
        expect(decodeDirectMessage(PEER, bytes).from).toBe(PEER)
      }),
      { numRuns: 2000 },
    )
  })
})
