/** A copy of its own for another thread, which the sender then has no more. Cloning would take along the whole buffer that the bytes lie in. */
export function toTransfer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
