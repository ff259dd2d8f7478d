/** One part of a multipart/form-data body. */
export interface FormPart {
  readonly name: string
  readonly filename?: string
  readonly type?: string
  readonly bytes: Uint8Array
}

const CRLF2 = Buffer.from('\r\n\r\n')

function parameter(header: string, name: string): string | undefined {
  const match = new RegExp(`[;\\s]${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(header)
  // Some clients leave the quotes out.
  if (match === null) return new RegExp(`[;\\s]${name}=([^";\\r\\n]+)`, 'i').exec(header)?.[1]
  return match?.[1]?.replace(/%22/g, '"').replace(/\\(.)/g, '$1')
}

/** Reads a multipart/form-data body; undefined when it is malformed. */
export function parseMultipart(contentType: string, body: Buffer): FormPart[] | undefined {
  const match = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) return undefined
  const mark = Buffer.from(`--${boundary}`)
  const parts: FormPart[] = []
  let at = body.indexOf(mark)
  if (at < 0) return undefined
  for (;;) {
    at += mark.length
    if (body.subarray(at, at + 2).toString('latin1') === '--') return parts
    const headerEnd = body.indexOf(CRLF2, at)
    const next = headerEnd < 0 ? -1 : body.indexOf(mark, headerEnd)
    if (next < 0) return undefined
    const headers = body.subarray(at, headerEnd).toString('utf8')
    const name = parameter(headers, 'name')
    if (name === undefined) return undefined
    const filename = parameter(headers, 'filename')
    const type = /^content-type:\s*(.+)$/im.exec(headers)?.[1]?.trim()
    parts.push({
      name,
      ...(filename !== undefined && { filename }),
      ...(type !== undefined && { type }),
      bytes: body.subarray(headerEnd + CRLF2.length, next - 2),
    })
    at = next
  }
}
