import { fileTypeFromBuffer } from 'file-type'

/** What is looked at to tell a type. */
export const HEAD_BYTES = 4_100

/** Type of a file by its beginning; never by its name or by what somebody says about it. */
export async function sniff(head: Uint8Array): Promise<{ mime: string; extension: string | undefined }> {
  try {
    const found = await fileTypeFromBuffer(head)
    if (found !== undefined) return { mime: found.mime.split(';', 1)[0] as string, extension: found.ext }
  } catch {
    // A beginning that breaks a parser is no known type.
  }
  return { mime: looksLikeText(head) ? 'text/plain' : 'application/octet-stream', extension: undefined }
}

function looksLikeText(head: Uint8Array): boolean {
  if (head.length === 0) return false
  const text = new TextDecoder('utf-8').decode(head, { stream: true })
  return !/[\u0000-\u0008\u000e-\u001a\ufffd]/.test(text)
}
