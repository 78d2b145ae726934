// Which commands there are.
#include <iterator>

#include <tools/command.hpp>
#include <tools/copy/options.hpp>
#include <tools/ipc/options.hpp>
#include <tools/ps/options.hpp>
#include <tools/run/options.hpp>
#include <tools/sched/options.hpp>
#include <tools/study_options.hpp>
#include <tools/sum_options.hpp>

namespace tool {

const Command kCommands[] = {
    {kCopyManual, run_copy},        {kIpcLsManual, run_ipc_ls}, {kIpcRmManual, run_ipc_rm},
    {kIpcStatManual, run_ipc_stat}, {kPsManual, run_ps},        {kRunManual, run_run},
    {kSchedManual, run_sched},      {kStudyManual, run_study},  {kSumManual, run_sum},
};
const std::size_t kCommandCount = std::size(kCommands);

}  // namespace tool
