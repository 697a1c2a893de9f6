import { WebSocket } from 'ws';

/** What may wait for a client that does not read. In bytes; the last message comes on top, of whatever size. */
const MOST_UNREAD_BYTES = 16 * 1024 ** 2;

type Data = Parameters<WebSocket['send']>[0];
type Options = Parameters<WebSocket['send']>[1];
type Callback = (error?: Error) => void;

/**
 * A WebSocket that does not keep more and more for a client that does not read: a message for which there is no room closes it with 1013
 * (try again later), and is dropped like those after it. The client has `ws`'s closing time, 30 s, to read on to the close frame.
 */
export class BoundedSocket extends WebSocket {
  override send(data: Data, options?: Options | Callback, callback?: Callback): void {
    if (this.bufferedAmount > MOST_UNREAD_BYTES) this.close(1013, 'the client reads too slowly');
    // The package itself tells the callback from the options.
    super.send(data, options as Options, callback);
  }
}
