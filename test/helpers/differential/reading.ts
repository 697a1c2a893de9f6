/** One message as a reader understood it. Text in latin1. */
export interface ReadMessage {
  /** Method and target, or status and reason. */
  readonly first: string;
  readonly second: string;
  /** `1.0` or `1.1`. */
  readonly version: string;
  readonly headers: readonly string[];
  body: string;
  /** The end of the message was found. */
  isWhole: boolean;
}

export interface Reading {
  readonly messages: ReadMessage[];
  /** Why the reader stopped; undefined if it took all, or the connection was to end behind the last message. */
  refusal: string | undefined;
}
