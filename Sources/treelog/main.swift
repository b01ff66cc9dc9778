import TreeLogCommand

CommandLineTool.main()
