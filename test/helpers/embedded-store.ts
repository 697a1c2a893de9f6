import { ready, sqliteRoom } from './sqlite-store.ts';
import type { StorePlace } from './store-place.ts';

/** Prepares an empty embedded store. Each call of the result opens it once more. */
export const embeddedStore: StorePlace = async (t) => {
  const room = await sqliteRoom(t);
  return () => ready(room.open());
};
