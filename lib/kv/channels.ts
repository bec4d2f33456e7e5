// Where what happens in stores is told: free while nobody listens.

import { channel } from 'node:diagnostics_channel'

/** The channels `emucxl:kv:hit` and so on. Each message is a {@link KvEvent}. */
export const channels = {
  hit: channel('emucxl:kv:hit'),
  miss: channel('emucxl:kv:miss'),
  promote: channel('emucxl:kv:promote'),
  demote: channel('emucxl:kv:demote'),
  evict: channel('emucxl:kv:evict'),
  expire: channel('emucxl:kv:expire'),
}
