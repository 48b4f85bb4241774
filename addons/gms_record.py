from gms_replay.record.addon import GmsRecorder

addons = [GmsRecorder()]
