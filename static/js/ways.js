// The ways in which a file can travel, and which of them this page takes.
//
// A way moves the bytes of one file, tries again by itself when the line breaks, and says how things
// stand. Everything that people see is made of that by transfer.js, which knows no more of a way than:
//
//   new SomeWay(file, portal, onChange)   portal: portal.js; onChange() follows every change below
//
//   lines         connections that it will use at most
//   async find()  called first: whether this browser has sent a part of this file before
//   adopt(parts)  take up what another browser began; parts: ids as in the portal's list (unfinished.js)
//   start(about)  begin, go on, or try again at once; about: {case, note}, both optional
//   pause()       stop at once and keep everything; start() goes on
//   async cancel()  stop, and have the portal throw away what it has
//   static async discard(parts, portal)  the same for what another browser began; throws if it did not work
//
//   state         "idle", and after start():
//                 "trying"   asking where to go on, or waiting for a chunk's first byte
//                 "moving"   bytes go out
//                 "waiting"  the line is broken, or the portal asked for patience: it starts by itself
//                 "joining"  every byte is there; the portal makes one object of them
//                 "done"     acknowledged: id names the upload
//                 "stopped"  it cannot go on by itself, see trouble
//   sent          bytes of the file that are there or on their way
//   id            the upload's id, null until the portal said it
//   retryAt       in "waiting": when it tries again (milliseconds, as Date.now())
//   trouble       in "waiting" and "stopped": why (trouble.js)

import { TusWay } from "./tus_way.js";

/** The class for a way's name: the form's own, or that of an upload that was begun before. */
export async function wayOf(name) {
  if (name === "direct") return (await import("./direct.js")).DirectWay;
  return TusWay;
}
