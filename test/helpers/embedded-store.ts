import { ready, sqliteRoom } from './sqlite-store.ts';
import type { PrepareStore } from './store-place.ts';

/** Prepares an empty embedded store. Each call of the result opens it once more. */
export const embeddedStore: PrepareStore = async (t) => {
  const room = await sqliteRoom(t);
  return () => ready(room.open());
};
